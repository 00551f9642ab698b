"""Pretrained models that this project fetches: their bytes, checked, and written as transformers reads them."""
