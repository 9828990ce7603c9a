"""The catalogue of universes: entities, lines, layers and legs as readable files."""
