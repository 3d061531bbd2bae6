"""The browser app: pages made from the lake alone, on this machine."""
