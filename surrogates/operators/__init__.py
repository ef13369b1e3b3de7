"""Neural operators: one architecture a file, one contract, `model(u) -> u_next`, unbatched and channel-first."""
