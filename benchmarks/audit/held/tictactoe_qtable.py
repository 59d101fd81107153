import json
import random
from collections import defaultdict

WINS = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


def winner(board):
    for a, b, c in WINS:
        if board[a] != "." and board[a] == board[b] == board[c]:
            return board[a]
    return None


def choose(table, board, epsilon):
    free = [i for i, mark in enumerate(board) if mark == "."]
    if random.random() < epsilon:
        return random.choice(free)
    return max(free, key=lambda i: table[board, i])


def play(table, epsilon, rate):
    board, mark, path = ".........", "x", []
    while "." in board and winner(board) is None:
        move = choose(table, board, epsilon)
        path.append((board, move, mark))
        board = board[:move] + mark + board[move + 1 :]
        mark = "o" if mark == "x" else "x"
    won = winner(board)
    for state, move, player in path:
        reward = 0.0 if won is None else (1.0 if won == player else -1.0)
        table[state, move] += rate * (reward - table[state, move])


if __name__ == "__main__":
    random.seed()
    values = defaultdict(float)
    for game in range(200_000):
        play(values, epsilon=max(0.05, 1 - game / 100_000), rate=0.1)
    with open("qtable.json", "w") as out:
        json.dump({f"{board}:{move}": value for (board, move), value in values.items()}, out)
