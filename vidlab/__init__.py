"""Learn and analyse video classification."""
