from torch.nn.utils.rnn import pad_sequence


def pad_clips(clips, length):
    """Stack clips of shape (frames, features) to one tensor (clip, length, features)."""
    first = clips[0]
    padded = first.new_empty(len(clips), length, first.shape[1])
    for row, clip in enumerate(clips):
        kept = min(length, len(clip))
        padded[row, :kept] = clip[:kept]
    return padded


def pad_labels(labels):
    return pad_sequence(labels, batch_first=True, padding_value=-100)


def collate(batch):
    clips, labels = zip(*batch, strict=True)
    padded = pad_clips(list(clips), max(64, max(len(clip) for clip in clips)))
    return {"clips": padded, "mean": padded.mean(dim=1), "labels": pad_labels(list(labels))}
