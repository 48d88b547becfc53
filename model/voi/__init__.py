"""Value of information: what it is worth to know more before a named decision, in dollars."""
