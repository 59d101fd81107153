import os

EXTENSIONS = (".jpg", ".jpeg", ".png")


def list_images(root):
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            if name.lower().endswith(EXTENSIONS):
                found.append(os.path.join(folder, name))
    return found
