"""The main job on real input: an airline's warehouse, a flight API nobody controls, and Octopipe between them."""
