"""The scheduler's documents round the balancing core: networks, works, plans. They live in the registry."""
