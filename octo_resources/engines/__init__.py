"""Engines that read landed batches and evaluate mappings over them."""
