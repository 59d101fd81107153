from textkit.augment import WordDropout
from textkit.vocab import Vocabulary

__all__ = ["Vocabulary", "WordDropout"]
