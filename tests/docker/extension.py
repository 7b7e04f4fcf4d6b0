"""The image of pg_nae alone, mounted beside PostgreSQL 18 as CloudNativePG does."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    """A PostgreSQL 18 whose extensions come from a directory elsewhere too."""

    def __init__(self, programs, directory, mounted):
        self.programs, self.directory = programs, directory
        directory.mkdir()
        shutil.chown(directory, "postgres", "postgres")
        self.must(programs / "initdb", "-D", directory / "data", "-U", "postgres", "--auth=trust", "--locale=C")
        settings = {"listen_addresses": "", "unix_socket_directories": directory, "shared_preload_libraries": "pg_nae", "nae.agent": "external",
                    "nae.agent_socket": "/run/nae/agent.sock", "extension_control_path": f"$system:{mounted}/share",
                    "dynamic_library_path": f"$libdir:{mounted}/lib"}
        with open(directory / "data/postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.must(programs / "pg_ctl", "-D", directory / "data", "-l", directory / "log", "-w", "start")

    def must(self, *command):
        done = subprocess.run(["runuser", "-u", "postgres", "--", *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, cwd="/", timeout=120)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-2000:]}")
        return done.stdout.strip()

    def sql(self, text):
        return self.must("psql", "-X", "-At", "-h", self.directory, "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text)

    def close(self):
        self.must(self.programs / "pg_ctl", "-D", self.directory / "data", "-m", "immediate", "-w", "stop")


def check(tap, engine, work, context):
    server = pathlib.Path(os.environ.get("NAE_OTHER_SERVERS", work / "servers")) / "postgresql-18"
    subprocess.run([ROOT / "tests/postgresql/other-server", "18", server], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "scripts/build-packages", work / "packages"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "NAE_PG_MAJORS": "18", "NAE_PG_CONFIG_18": str(server / "bin/pg_config")})
    shutil.copy(next((work / "packages").glob("postgresql-18-pg-nae_*.deb")), context / "build/packages")
    engine.must("docker", "build", "--network=host", "-f", context / "docker/extension.Dockerfile", "--build-arg", "PG_MAJOR=18",
                "-t", "nae/extension", context, seconds=600)
    container = engine.must("docker", "create", "nae/extension", "none").strip()
    mounted = work / "extensions/pg-nae"
    mounted.mkdir(parents=True)
    engine.must("sh", "-c", f"docker export {container} | tar -x -C {mounted}")
    engine.must("docker", "rm", container)
    files = sorted(str(file.relative_to(mounted)) for file in mounted.rglob("*") if file.is_file() and file.parts[len(mounted.parts)] not in ("dev", "etc", ".dockerenv"))
    version = (ROOT / "VERSION").read_text().strip()
    tap.ok({"lib/pg_nae.so", "licenses/copyright", "share/extension/pg_nae.control"} <= set(files) and any(file.endswith(f"--{version}.sql") for file in files) and
           all(file.startswith(("lib/pg_nae", "licenses/", "share/extension/pg_nae")) for file in files), "the extension's image has the extension alone", files)
    running = Server(server / "bin", work / "postgresql-18", mounted)
    try:
        tap.is_(running.sql("CREATE EXTENSION pg_nae; SELECT extversion FROM pg_extension WHERE extname = 'pg_nae'"), f"CREATE EXTENSION\n{version}",
                "PostgreSQL 18 takes it from where it is mounted")
        postmaster = (running.directory / "data/postmaster.pid").read_text().split()[0]
        tap.ok(f"{mounted}/lib/pg_nae.so" in pathlib.Path(f"/proc/{postmaster}/maps").read_text(), "and its library, at the start")
    finally:
        running.close()
