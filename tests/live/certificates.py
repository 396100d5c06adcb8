"""A throwaway certificate authority, made by openssl in the test's folder: certificates that are right, and wrong in one way each."""

import os
import shutil
import subprocess

import servers

NAMES = "DNS:localhost,IP:127.0.0.1"
CONFIG = """
[ca]
default_ca = it
[it]
new_certs_dir = {folder}
database = {folder}/index
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise servers.NotReady(f"openssl {words[0]}: {done.stderr[-500:]}")


class Authority:
    def __init__(self, name):
        self.folder = os.path.join(servers.folder(), f"authority-{name}")
        os.makedirs(self.folder)
        for file, text in (("config", CONFIG.format(folder=self.folder)), ("index", ""), ("serial", "01\n")):
            with open(self.path(file), "w") as out:
                out.write(text)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"), "-days", "30",
                "-subj", f"/CN=throwaway {name}", "-config", self.path("config"), "-addext", "basicConstraints=critical,CA:TRUE")
        self.ca = self.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, name, names=NAMES, expired=False):
        """(certificate, key) of a server known by `names`."""
        key, request, certificate, extensions = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem", "ext"))
        with open(extensions, "w") as out:
            out.write(f"subjectAltName = {names}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj",
                "/CN=" + names.split(",")[0].split(":")[1], "-config", self.path("config"))
        when = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"] if expired else ["-days", "7"]
        openssl("ca", "-batch", "-notext", "-config", self.path("config"), "-cert", self.ca, "-keyfile", self.path("ca.key"), "-in", request,
                "-out", certificate, "-extfile", extensions, *when)
        return certificate, key


class Certificates:
    """What a server may show: `right`, `wrong_ca`, `wrong_name` or `expired`; `ca` is the file that the right one is checked against."""

    def __init__(self):
        ours, theirs = Authority("ours"), Authority("theirs")
        self.ca = ours.ca
        self.authorities = {"wrong_ca": theirs.ca}
        self.pairs = {"right": ours.sign("right"), "wrong_ca": theirs.sign("theirs"),
                      "wrong_name": ours.sign("elsewhere", "DNS:db.elsewhere.example"), "expired": ours.sign("expired", expired=True)}
        self.shown, self.key, self.shown_ca = (ours.path(f"shown.{end}") for end in ("pem", "key", "ca"))
        self.show("right")

    def show(self, kind):
        """From here on the files of options() hold this one; a server that runs already must be told."""
        certificate, key = self.pairs[kind]
        shutil.copy(certificate, self.shown)
        shutil.copy(key, self.key)
        shutil.copy(self.authorities.get(kind, self.ca), self.shown_ca)

    def options(self, inside=lambda path: path):
        return {"ssl_ca": inside(self.shown_ca), "ssl_cert": inside(self.shown), "ssl_key": inside(self.key)}
