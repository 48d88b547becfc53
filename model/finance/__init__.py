"""Money: what contracts, dues and grants pay, and how sure that is."""
