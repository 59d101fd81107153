import numpy as np


class Sensor:
    """One channel of a simulated plant, with drift and noise."""

    def __init__(self, name, level, drift):
        self.name = name
        self.level = level
        self.drift = drift
        self.rng = np.random.default_rng(id(self) & 0xFFFFFFFF)

    def read(self, t):
        return self.level + self.drift * t + self.rng.normal(0.0, 0.05)


class Plant:
    def __init__(self, sensors):
        self.sensors = sensors

    def record(self, steps):
        table = np.zeros((steps, len(self.sensors)), dtype=np.float32)
        for t in range(steps):
            for j, sensor in enumerate(self.sensors):
                table[t, j] = sensor.read(t)
        return table


def main():
    plant = Plant([Sensor("flow", 1.0, 0.001), Sensor("heat", 20.0, 0.01), Sensor("load", 5.0, -0.002)])
    table = plant.record(5000)
    np.savez("plant.npz", table=table, names=[s.name for s in plant.sensors])
    print(table.mean(axis=0))


if __name__ == "__main__":
    main()
