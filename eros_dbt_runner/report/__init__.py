"""`eros report`: a day as one HTML page."""
