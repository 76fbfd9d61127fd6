"""All that is behind the four files beside this package; see README.md here."""
