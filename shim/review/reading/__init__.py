"""Reading the deprecation log for people: queries, scorecards, states."""
