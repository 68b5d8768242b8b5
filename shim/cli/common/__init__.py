"""Parts that the commands share: options, loading, output, the store."""
