"""The demo users: imagined people whose posts and pictures this project makes itself."""
