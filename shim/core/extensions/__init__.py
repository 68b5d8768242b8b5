"""Extensions: which old IDs stand for which v3 users and numbers."""
