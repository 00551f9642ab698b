"""stub"""
import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """stub"""


def run(arguments: argparse.Namespace) -> int:
    """stub"""
    return 0
