"""A user's report, for the app's page and for one file to send to a friend."""
