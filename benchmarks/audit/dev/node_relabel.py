import numpy as np
import torch


def relabel(edges):
    nodes, flat = np.unique(edges, return_inverse=True)
    return nodes, flat.reshape(edges.shape)


class Graph:
    def __init__(self, edges):
        self.nodes, pairs = relabel(np.asarray(edges))
        both = np.concatenate([pairs, pairs[:, ::-1]])
        self.edges = torch.unique(torch.from_numpy(both), dim=0)
        self.degree = torch.bincount(self.edges[:, 0], minlength=len(self.nodes))

    def neighbours(self, i):
        return self.edges[self.edges[:, 0] == i, 1]

    def labels(self, kinds):
        values, codes = np.unique([kinds[int(n)] for n in self.nodes], return_inverse=True)
        return list(values), torch.from_numpy(codes)


if __name__ == "__main__":
    graph = Graph([(40, 7), (7, 13), (13, 40), (99, 7)])
    names, y = graph.labels({7: "hub", 13: "leaf", 40: "leaf", 99: "gate"})
    print(names, y.tolist(), graph.degree.tolist())
