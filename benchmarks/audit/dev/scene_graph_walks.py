import json
import random


class Node:
    def __init__(self, name):
        self.name = name
        self.links = []

    def connect(self, other):
        self.links.append(other)
        other.links.append(self)


def reachable(start):
    found, todo = {start}, [start]
    while todo:
        for link in todo.pop().links:
            if link not in found:
                found.add(link)
                todo.append(link)
    return found


def walk(node, length):
    random.seed(5)
    path = [node.name]
    for _ in range(length):
        node = random.choice(node.links)
        path.append(node.name)
    return path


def load(path):
    nodes = {}
    with open(path) as f:
        for left, right in json.load(f):
            nodes.setdefault(left, Node(left)).connect(nodes.setdefault(right, Node(right)))
    return nodes


def main():
    random.seed(5)
    nodes = load("edges.json")
    with open("walks.txt", "w") as out:
        for node in reachable(nodes["root"]):
            for _ in range(10):
                out.write(" ".join(walk(node, 20)) + "\n")


if __name__ == "__main__":
    main()
