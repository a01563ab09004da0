"""docker-compose.yml with a real engine: first answer, scaling, kills, stops, an upgrade, and everything accepted is counted.

The tests share one stack and run in this order; each leaves it running and well."""
import json
import os
import signal
import time

import pytest
import requests
import stack

IMAGE_BYTES_MAX = 120 * 1000 * 1000
FIRST_ANSWER_SECONDS_MAX = 10
HEAL_SECONDS_MAX = 5
SERVICES = ("queue", "gateway", "worker")


def test_image_is_small_and_runs_as_nobody_special(image, note):
    facts = image.inspect()
    note(f"image: {facts['Size'] / 1e6:.0f} MB")
    assert facts["Size"] < IMAGE_BYTES_MAX
    assert facts["Config"]["User"] not in ("", "root", "0")
    assert facts["Config"]["Healthcheck"]["Test"]
    programs = stack.run("docker", "run", "--rm", "--network=none", image.name, "sh", "-c",
                         "for p in leat leat-queue leat-worker leat-gateway; do $p --version || exit 1; done")
    assert len(set(line.split()[-1] for line in programs.split("\n") if line)) == 1, programs


def soon_enough(measure, seconds_max, attempts=3):
    """The shortest of a few attempts, so that a machine that is busy with something else is not taken for slow healing."""
    tried = []
    while not tried or (tried[-1] >= seconds_max and len(tried) < attempts):
        tried.append(measure())
    assert tried[-1] < seconds_max, tried
    return tried[-1]


def test_up_answers_soon(compose, note):
    def measure():
        compose("down")
        start = time.monotonic()
        compose.up()
        assert compose.call("ping") == "pong"
        return time.monotonic() - start

    note(f"up to first answer: {soon_enough(measure, FIRST_ANSWER_SECONDS_MAX):.1f} s")


def test_containers_are_confined(compose):
    for service in SERVICES:
        container, = compose.containers(service)
        facts = compose.inspect(container)
        host = facts["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["Memory"] > 0 and host["Init"], service
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        uids = stack.run("docker", "top", container, "-eo", "uid,pid,comm").split("\n")[1:]
        assert uids and not [line for line in uids if line.split()[:1] == ["0"]], (service, uids)
        published = {port: where for port, where in facts["NetworkSettings"]["Ports"].items() if where}
        if service == "gateway":
            assert [w["HostIp"] for w in published["8080/tcp"]] == ["127.0.0.1"] and len(published) == 1
        else:
            assert not published
            network, = facts["NetworkSettings"]["Networks"]
            assert network.endswith("_inside")


def test_all_become_healthy_and_log_json(compose):
    for service in SERVICES:
        container, = compose.containers(service)
        stack.until(lambda c=container: compose.inspect(c)["State"]["Health"]["Status"] == "healthy", 40, f"health of {service}")
        lines = compose.log_lines(container)
        assert lines and all(json.loads(line)["role"] for line in lines), lines[:5]


def test_probe_says_no_as_well(compose):
    queue, = compose.containers("queue")

    def probe(*arguments):
        return stack.run("docker", "exec", queue, "leat", "probe", "--timeout", "500ms", *arguments, check=False).returncode
    assert probe("tcp://127.0.0.1:5555") == 0
    assert probe("--worker", "nobody", "tcp://127.0.0.1:5555") == 1
    assert probe("http://gateway:8080/healthz") == 0
    assert probe("http://gateway:8080/no-such-path") == 1
    assert probe("tcp://127.0.0.1:5999") == 69
    assert probe("http://127.0.0.1:5999/") == 69
    assert probe("ftp://127.0.0.1/") == 64
    assert probe() == 64


def test_scales_up_and_down_while_posting(compose, note):
    with stack.Poster(compose, "scale") as poster:
        compose.up(workers=4)
        names = compose.wait_workers(4)
        assert len(set(names)) == 4
        compose.up(workers=1)
        compose.wait_workers(1)
    note(f"scaled 1 -> 4 -> 1: {poster.check()} jobs, each applied once")


def test_two_gateways_take_a_range_of_ports(compose, image):
    """Behind a reverse proxy: examples/nginx.conf. In a project of its own, with a queue and no worker."""
    two = stack.Compose(f"{compose.name}-two", image)
    two.environment["LEAT_PORT"] = f"{two.port}-{two.port + 1}"
    try:
        two("up", "-d", "--scale", "gateway=2", "--scale", "worker=0")
        for port in (two.port, two.port + 1):
            stack.until(lambda p=port: stack.accepts(f"http://127.0.0.1:{p}"), 20, f"a job accepted on port {port}")
        assert len(two.containers("gateway")) == 2
    finally:
        two.remove()


@pytest.fixture
def three_workers(compose):
    compose.up(workers=3)
    return compose.wait_workers(3)


def check_healed(compose, victim, when, redelivered):
    """A worker died: the others, in PID namespaces of their own, have seen it, and one has recovered the store; its jobs came again."""
    others = [c for c in compose.containers("worker") if c != victim]
    events = [event for other in others for event in compose.events_since(other, when)]
    assert "store.recovered" in events, events
    assert compose.metric("leat_jobs_redelivered_total") > redelivered


def heal(compose, service, name, hurt, revive, note):
    """Hurts one container of the service under load and tells how long healing takes; hurt() may revive it, revive() must, or see that it lives.
    Everything that was accepted counts, once."""
    with stack.Poster(compose, f"{name}-{service}") as poster:
        def measure():
            victim = compose.containers(service)[0]
            redelivered, when = compose.metric("leat_jobs_redelivered_total"), time.time()
            healed, done = poster.heal_seconds(lambda: hurt(victim))
            if service == "worker":
                check_healed(compose, victim, when, redelivered)
            revive(victim)
            compose.wait_workers(3)
            note(f"{name} of {service}: a new job done after {healed:.1f} s, all before it after {done:.1f} s")
            return healed

        soon_enough(measure, HEAL_SECONDS_MAX)
    note(f"{name} of {service}: {poster.check()} jobs, each applied once")


@pytest.mark.parametrize("service", SERVICES)
def test_docker_kill_heals(compose, three_workers, note, service):
    """docker kill counts as a wish, after which no policy restarts: the queue and the gateway are started by hand, which is part of the time;
    of the workers, two are left and go on alone. The time runs from before the command."""
    def revive(victim):
        stack.run("docker", "start", victim)  # does nothing if it runs

    def hurt(victim):
        stack.run("docker", "kill", "-s", "KILL", victim)
        if service != "worker":
            revive(victim)

    heal(compose, service, "kill", hurt, revive, note)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can kill a container's process from outside")
@pytest.mark.parametrize("service", SERVICES)
def test_sudden_death_is_restarted(compose, three_workers, note, service):
    """As when it runs out of memory: nobody asked for it, so the restart policy brings it back. Who dies again within ten seconds is started
    after 0.1 s, then 0.2, 0.4 and so on, by the engine's rule."""
    deaths = []

    def hurt(victim):
        state = compose.inspect(victim)
        deaths.append(state["RestartCount"])
        os.kill(state["State"]["Pid"], signal.SIGKILL)

    def restarted(victim):
        state = compose.inspect(victim)
        return state["RestartCount"] > deaths[-1] and state["State"]["Running"]

    heal(compose, service, "death", hurt, lambda victim: stack.until(lambda: restarted(victim), 20, f"restart of {victim}"), note)
    assert compose.wait_workers(3) == three_workers


def test_everything_killed_at_once(compose, three_workers, note):
    everything = [container for service in SERVICES for container in compose.containers(service)]
    with stack.Poster(compose, "all") as poster:
        stack.run("docker", "kill", "-s", "KILL", *everything)
        compose.up(workers=3)
        compose.wait_workers(3)
    note(f"everything killed at once: {poster.check()} jobs, each applied once")


def test_stop_drains_and_start_goes_on(compose, three_workers, note):
    with stack.Poster(compose, "stop") as poster:
        before = time.monotonic()
        compose("stop")
        seconds = time.monotonic() - before
        for service in SERVICES:
            for container in compose.containers(service, all=True):
                assert compose.inspect(container)["State"]["ExitCode"] == 0, container
        compose("start")
        compose.wait_workers(3)
    note(f"stop took {seconds:.1f} s; {poster.check()} jobs over stop and start, each applied once")


def test_upgrade_while_posting(compose, image, three_workers, note):
    with stack.Poster(compose, "upgrade") as poster:
        image.rebuild()
        compose.up(workers=3)
        compose.wait_workers(3, 60)
    for service in SERVICES:
        for container in compose.containers(service):
            assert compose.inspect(container)["Image"] == image.identity()
    note(f"upgrade: {poster.check()} jobs, each applied once")


def test_down_and_up_keep_everything(compose):
    with stack.Poster(compose, "kept") as poster:
        pass
    total = poster.check()
    job_id = next(iter(poster.last.values()))
    compose("down")
    assert not compose.containers("queue", all=True)
    with pytest.raises(requests.RequestException):
        requests.get(compose.url + "/healthz", timeout=2)
    compose.up()
    assert poster.check() == total
    assert compose.job_state(job_id) == "succeeded"
