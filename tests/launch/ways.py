"""Ways in which a program writes to a file that is there, `path`: each is what it executes."""

from __future__ import annotations

from typing import Final

WAYS: Final = {
    "w": "open(path, 'w').write('new')",
    "wb": "open(path, 'wb').write(b'new')",
    "w+": "f = open(path, 'w+'); f.write('new'); f.seek(0); assert f.read() == 'new'",
    "a": "open(path, 'a').write('more')",
    "r+": "f = open(path, 'r+b'); f.seek(7); f.write(b'changed')",
    "Path": "pathlib.Path(path).write_text('new')",
    "bytes": "open(os.fsencode(path), 'ab').write(b'more')",
    "x": """
try: open(path, 'x')
except FileExistsError: open(path + '.new', 'x').write('new')
""",
    "FileIO": "io.FileIO(path, 'r+').write(b'changed')",
    "O_WRONLY": "os.write(os.open(path, os.O_WRONLY), b'changed')",
    "O_RDWR": "os.write(os.open(path, os.O_RDWR), b'changed')",
    "O_TRUNC": "os.open(path, os.O_WRONLY | os.O_TRUNC)",
    "O_APPEND": "os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b'more')",
    "O_CREAT": "os.write(os.open(path + '.new', os.O_WRONLY | os.O_CREAT, 0o600), b'new')",
    "O_NOFOLLOW": """
try: got = os.read(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), 3)
except OSError as e: got = str(e.errno).encode()
open(path + '.got', 'wb').write(got)
""",
    "fdopen": "os.fdopen(os.open(path, os.O_RDWR), 'r+b').write(b'changed')",
    "mmap": "f = open(path, 'r+b'); m = mmap.mmap(f.fileno(), 0); m[3:5] = b'zz'; m.flush()",
    "memmap": "import numpy; m = numpy.memmap(path, mode='r+', dtype='u1'); m[:9] = 1; m.flush()",
    "truncate": "os.truncate(path, 5)",
    "longer": "os.truncate(path, 10**5)",
    "chmod": "os.chmod(path, 0o640)",
    "utime": "os.utime(path, (1, 1)); assert os.stat(path).st_mtime == 1",
    "chmod and write": "os.chmod(path, 0o600); open(path, 'w').write('new')",
    "copyfile": "shutil.copyfile('small.txt', path)",
    "copy": "shutil.copy('small.txt', path)",
    "copystat": "shutil.copystat('small.txt', path)",
    "copied": "shutil.copyfile(path, path + '.copy'); open(path + '.copy', 'a').write('more')",
    "replace": "open('new', 'w').write('new'); os.replace('new', path)",
    "atomic": "open(path + '.tmp', 'w').write('new'); os.replace(path + '.tmp', path)",
    "rename": "os.rename(path, path + '.old'); open(path, 'w').write('new')",
    "renamed and written": "os.rename(path, path + '.old'); open(path + '.old', 'a').write('more')",
    "move": "shutil.move(path, path + '.old'); open(path, 'w').write('new')",
    "remove": "os.remove(path)",
    "remove and write": "os.unlink(path); open(path, 'w').write('new')",
    "hard link": "os.link(path, path + '.hard'); open(path + '.hard', 'a').write('more')",
    "link": "os.symlink(os.path.basename(path), path + '.soft'); open(path + '.soft', 'a').write('more')",
    "mkdir": "os.makedirs(path + '.folder/deep'); open(path + '.folder/deep/x', 'w').write('new')",
    "resolve": "open(pathlib.Path(path).resolve(), 'a').write('more')",
    "realpath": "open(os.path.realpath(path), 'w').write('new')",
    "absolute": "open(os.path.abspath(path), 'w').write('new')",
    "beside": "open(os.path.join(os.path.dirname(os.path.realpath(path)), 'beside'), 'w').write('new')",
    "up and down": "open(os.path.join('..', os.path.basename(os.getcwd()), '.', path), 'a').write('more')",
    "chdir": """
here = os.getcwd()
os.chdir(os.path.dirname(path) or '.')
open(os.path.basename(path), 'a').write('more')
open('made', 'w').write('new')
os.chdir(here)
""",
    "thread": "t = threading.Thread(target=lambda: open(path, 'a').write('more')); t.start(); t.join()",
    "fork": """
p = os.fork()
if not p:
    open(path, 'a').write('more')
    os._exit(0)
os.waitpid(p, 0)
""",
    "child": """
text = 'import sys; open(sys.argv[1], "a").write("more")'
if path in SOME: subprocess.run([sys.executable, '-c', text, path], check=True)
""",
    "child's folder": """
text = 'open("made", "w").write("new")'
if path in SOME: subprocess.run([sys.executable, '-c', text], check=True, cwd=os.path.dirname(path))
""",
    "tee": "subprocess.run(['tee', '-a', path], input=b'more', stdout=subprocess.DEVNULL, check=True)",
    "shell": "import shlex; subprocess.run(f'echo more>>{shlex.quote(path)}', shell=True, check=True)",
    "system": "import shlex; assert os.system(f'cd . && echo more > {shlex.quote(path)}') == 0",
    "dd": "subprocess.run(['dd', 'if=small.txt', f'of={path}', 'conv=notrunc', 'status=none'], check=True)",
    "spawn": "os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', 'echo more>>\"$0\"', path], os.environ), 0)",
    "exec": """
p = os.fork()
if not p: os.execvp('sh', ['sh', '-c', 'echo more>>"$0"', path])
assert os.waitpid(p, 0)[1] == 0
""",
    "rm": "if path in ('big.bin', 'sub folder/big.bin'): subprocess.run(['rm', '--', path], check=True)",
    "temporary": """
with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or '.') as f: f.write(b'x')
with tempfile.TemporaryDirectory(dir=os.path.dirname(path) or '.') as d: open(d + '/x', 'w').write('y')
""",
    "dir_fd": """
d, name = os.open(os.path.dirname(path) or '.', os.O_RDONLY), os.path.basename(path)
os.unlink(name, dir_fd=d)
os.mkdir(name + '.made', dir_fd=d)
os.close(os.open(name + '.made/x', os.O_WRONLY | os.O_CREAT, dir_fd=d))
""",
}
#: Does each way in a folder of its own, and prints the errors.
RUN: Final = """
import io, json, mmap, os, pathlib, shutil, subprocess, sys, tempfile, threading, traceback
SOME = "outside/deep/big.bin", "env/big.bin"
ways, *paths = sys.argv[1:]
top, errors = os.getcwd(), {}
for number, way in enumerate(json.loads(ways)):
    os.chdir(os.path.join(top, str(number)))
    try:
        for path in paths:
            exec(way, {**globals(), "path": path})
    except Exception:
        errors[number] = f"{path}: {traceback.format_exc()}"
    os.chdir(top)
print(json.dumps(errors))
"""
