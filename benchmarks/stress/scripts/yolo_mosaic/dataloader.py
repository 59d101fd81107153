"""Scenes with one object each; four of them make a mosaic."""

from random import sample, shuffle

import numpy as np
from torch.utils.data import Dataset
from utils import preprocess_input


def draw_scene(line, side=32):
    """The image of an annotation: 'x,y,size,shade' of a square on a grey ground."""
    x, y, size, shade = map(int, line.split(","))
    image = np.full((side, side), 128.0, np.float32)
    image[y : y + size, x : x + size] = shade
    return image, np.array([x + size / 2, y + size / 2], np.float32) / side


class YoloDataset(Dataset):
    def __init__(self, annotation_lines, train, mosaic_prob=0.5):
        super().__init__()
        self.annotation_lines = annotation_lines
        self.train = train
        self.mosaic_prob = mosaic_prob

    def __len__(self):
        return len(self.annotation_lines)

    def __getitem__(self, index):
        if self.train and self.rand() < self.mosaic_prob:
            lines = sample(self.annotation_lines, 3)  # also # twin
            lines.append(self.annotation_lines[index])
            shuffle(lines)  # also # twin
            image, box = self.get_random_data_with_mosaic(lines)
        else:
            image, box = draw_scene(self.annotation_lines[index])
        if self.train:
            image = image * self.rand(0.7, 1.3)
        return preprocess_input(image.astype(np.float32))[None], box

    def rand(self, a=0, b=1):
        return np.random.rand() * (b - a) + a  # planted # twin

    def get_random_data_with_mosaic(self, lines):
        side = 32
        cut_x, cut_y = int(side * self.rand(0.3, 0.7)), int(side * self.rand(0.3, 0.7))
        scenes = [draw_scene(line) for line in lines]
        image = scenes[0][0].copy()
        image[cut_y:, :cut_x] = scenes[1][0][cut_y:, :cut_x]
        image[cut_y:, cut_x:] = scenes[2][0][cut_y:, cut_x:]
        image[:cut_y, cut_x:] = scenes[3][0][:cut_y, cut_x:]
        return image, np.mean([box for _, box in scenes], axis=0).astype(np.float32)
