class Vocabulary:
    def __init__(self, sentences):
        words = sorted({word for sentence in sentences for word in sentence})
        self.index = {word: i + 2 for i, word in enumerate(words)}
        self.index["<pad>"] = 0
        self.index["<unk>"] = 1

    def __len__(self):
        return len(self.index)

    def encode(self, words, length):
        ids = [self.index.get(word, 1) for word in words[:length]]
        return ids + [0] * (length - len(ids))
