# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What can happen to a disk and a store, done on purpose: a small disk that fills up, a mount that is read-only, another program that sits
on LMDB's lock, a record with a flipped bit. Speaks to liblmdb itself and shares nothing with src."""

import ctypes
import os
import sys

from room import run, wait_for

CLONE_NEWNS = 0x20000
LIBLMDB = "liblmdb.so.0"

_HOLDER = """
import signal, sys
sys.path.insert(0, %r)
import meddle
meddle.Lmdb(sys.argv[1]).begin()
open(sys.argv[2], "w").close()
signal.pause()
"""


def own_mounts():
    """Mounts made from now on are seen by us and our children only, and are gone with us. False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return run(["mount", "--make-rprivate", "/"], check=False).returncode == 0


_FLUSH = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	char link[64], path[4096] = "";

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) < 0 || strstr(path, getenv("FLUSH_OF")) == NULL || unlink(getenv("FLUSH_FAILS")) != 0)
		return real(fd);
	errno = EIO;
	return -1;
}
"""


class FailingFlush:
    """For a program started with env: one flush of a file whose path holds NAME fails when it is told to."""

    def __init__(self, room, name):
        source, library, self.flag = room.path("flush.c"), room.path("flush.so"), room.path("flush.fails")
        with open(source, "w", encoding="utf-8") as file:
            file.write(_FLUSH)
        run([os.environ.get("CC") or "cc", "-shared", "-fPIC", "-o", library, source, "-ldl"])
        self.env = {"LD_PRELOAD": library, "FLUSH_OF": name, "FLUSH_FAILS": self.flag}

    def fail_next(self):
        with open(self.flag, "wb"):
            pass


class Disk:
    """A tmpfs of its own at PATH below the room."""

    def __init__(self, room, name, size="8m"):
        self.path = room.mkdir(name)
        run(["mount", "-t", "tmpfs", "-o", "mode=755,size=" + size, "tact-test", self.path])
        room.on_close(lambda: run(["umount", "-l", self.path], check=False))

    def fill(self):
        """Not one block is left."""
        with open(os.path.join(self.path, "ballast"), "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def empty(self):
        os.unlink(os.path.join(self.path, "ballast"))


class ReadOnly:
    """PATH cannot be written as long as the with-block lasts; what was open before stays writable."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        run(["mount", "--bind", self.path, self.path])
        run(["mount", "-o", "remount,bind,ro", self.path])

    def __exit__(self, *_exc):
        run(["umount", "-l", self.path])


class _Val(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


class Lmdb:
    """A store opened as another program would."""

    def __init__(self, folder):
        self.lib = ctypes.CDLL(LIBLMDB)
        self.env, self.txn = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("mdb_env_create", ctypes.byref(self.env))
        self._call("mdb_env_set_maxdbs", self.env, ctypes.c_uint(16))
        self._call("mdb_env_open", self.env, folder.encode(), ctypes.c_uint(0), ctypes.c_uint(0o600))

    def _call(self, name, *args):
        code = getattr(self.lib, name)(*args)
        if code != 0:
            raise OSError(code, "%s: %d" % (name, code))

    def begin(self):
        """The write lock, from here to commit() or the end of the process."""
        self._call("mdb_txn_begin", self.env, None, ctypes.c_uint(0), ctypes.byref(self.txn))

    def commit(self):
        self._call("mdb_txn_commit", self.txn)

    def close(self):
        self.lib.mdb_env_close(self.env)

    def flip(self, kind, key):
        """Flips the last bit of a record."""
        dbi, value = ctypes.c_uint(), _Val()
        name = _Val(len(key), ctypes.cast(ctypes.create_string_buffer(key, len(key)), ctypes.c_void_p))
        self.begin()
        self._call("mdb_dbi_open", self.txn, kind.encode(), ctypes.c_uint(0), ctypes.byref(dbi))
        self._call("mdb_get", self.txn, dbi, ctypes.byref(name), ctypes.byref(value))
        data = bytearray(ctypes.string_at(value.data, value.size))
        data[-1] ^= 1
        changed = _Val(len(data), ctypes.cast(ctypes.create_string_buffer(bytes(data), len(data)), ctypes.c_void_p))
        self._call("mdb_put", self.txn, dbi, ctypes.byref(name), ctypes.byref(changed), ctypes.c_uint(0))
        self.commit()


def flip_record(folder, key, kind="dossier"):
    store = Lmdb(folder)
    store.flip(kind, key)
    store.close()


def hold_lock(room, folder, name="holder"):
    """A process that has the store's write lock by the time this returns, until it is killed."""
    held = room.path(name + ".held")
    here = os.path.dirname(os.path.abspath(__file__))
    process = room.spawn([sys.executable, "-B", "-c", _HOLDER % here, folder, held], name + ".log")
    wait_for(lambda: os.path.exists(held), "the store's lock")
    os.unlink(held)
    return process
