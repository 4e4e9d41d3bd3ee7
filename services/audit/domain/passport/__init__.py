"""What is written about a figure so that somebody with nothing but a public key can count it again? See ``docs/passport.md``."""
