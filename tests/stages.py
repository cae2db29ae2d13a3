# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stages of a test run, their order, and the sum. Started by tests/run, as root on the outer machine.

    trees   the trees of labs, payloads and VM, where they are not cached: no tests
    gcc     build with gcc, sanitizers and -Werror (build-dev.ini); the suites of `meson test`
    clang   build with clang and -Werror, for debugging, which takes half the time; the same suites (but see ONE_COMPILER)
    lab-12  tests/system in a Debian 12 lab, with box built there
    lab-13  the same on Debian 13
    package debian/: the packages, built by an ordinary user without a network, and installed in both labs
    vm      tests/vm/scenario-*.sh on a kernel of their own

Each stage leaves its output in a log and its results in JUnit files, and only these are counted. A stage that breaks
before it has results counts as one failure. A skipped test counts as failed, unless tests/skips.txt expects it, and a stage
that ran fewer cases of a kind than its floor (FLOORS) fails: tests that are not run must not look like tests that pass.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent
sys.path.insert(0, str(TESTS / 'lab'))
import cache
import host
import trees

LAB = TESTS / 'lab' / 'lab'
VM = TESTS / 'vm' / 'vm'
SKIPS = TESTS / 'skips.txt'
RESULTS = cache.ROOT / 'results'
STAGES = ['gcc', 'clang', 'package', 'lab-12', 'lab-13', 'vm']
QUICK_RELEASE = '13'
MESON_TIMEOUT_FACTOR = '4'      # two builds share two CPUs, under sanitizers


# Suites that a whole run has with the other compiler only: they look at the source, or at what no compiler changes. Under
# sanitizers the programs that a completion runs take their time.
ONE_COMPILER = {'gcc': ['completion'], 'clang': ['style', 'golden', 'bootstrap']}

# The least number of cases that match a pattern. A floor is raised when tests are added, and lowered when some are removed for
# good.
BOTH_FLOORS = {'box.box:unit / *': 780, '*test_boxctl.*': 77, '*test_unit.*': 6, 'box.box:fuzz / *': 4}
GCC_FLOORS = {**BOTH_FLOORS, 'box.box:style / *': 17, 'box.box:golden / *': 54, '*test_bootstrap.*': 100}
FLOORS = {
    'gcc': GCC_FLOORS,
    'clang': {**BOTH_FLOORS, '*test_completion.*': 22, 'box.box:fuzz / *': 8},      # those of libFuzzer run, too
    'lab-12': {'system.*': 1860},      # without those that are left to the other lab (tests/system/conftest.py)
    'lab-13': {'system.*': 1670},
    'package': {'build': 1, 'lintian': 1, 'package.*': 16},
    'vm': {'*': 150},
}
QUICK_FLOORS = {'gcc': GCC_FLOORS, 'lab-13': {'system.*': 160}}


class Broken(Exception):
    """A stage could not produce results; the text says why."""


@dataclasses.dataclass
class Case:
    name: str
    verdict: str        # passed, failed, skipped
    text: str = ''


@dataclasses.dataclass
class Stage:
    name: str
    function: callable
    cases: list = dataclasses.field(default_factory=list)
    seconds: float = 0

    @property
    def log(self):
        return RESULTS / f'{self.name}.log'

    def count(self, verdict):
        return sum(case.verdict == verdict for case in self.cases)


# -------------------------------------------------------------------- running programs

class Programs:
    """The programs that stages run. When the run ends early they are ended too."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.closed = False

    def run(self, stage, command, env=None, check=True):
        """Runs a program with its output going to the stage's log; returns its status."""
        command = [str(word) for word in command]
        with open(stage.log, 'a') as log:
            log.write(f'+ {" ".join(command)}\n')
            log.flush()
            with self.lock:
                if self.closed:
                    raise Broken('interrupted')
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=SOURCE,
                                           env={**os.environ, **(env or {})}, start_new_session=True)
                self.running.add(process)
            try:
                status = process.wait()
            finally:
                with self.lock:
                    self.running.discard(process)
        if status and check:
            raise Broken(f'{Path(command[0]).name} {command[1]} failed with status {status}')
        return status

    def end(self):
        with self.lock:
            self.closed = True
            processes = list(self.running)
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


PROGRAMS = Programs()


# -------------------------------------------------------------------- stages

def build(stage, directory, arguments, env):
    """Configures anew when the arguments or the checkout are others than last time."""
    wanted = f'{SOURCE} {arguments} {env}'
    stamp = directory / '.stage-arguments'
    if not stamp.exists() or stamp.read_text() != wanted:
        cache.remove(directory)
        directory.parent.mkdir(parents=True, exist_ok=True)
        PROGRAMS.run(stage, ['meson', 'setup', *arguments, directory, SOURCE], env)
        stamp.write_text(wanted)
    PROGRAMS.run(stage, ['ninja', '--quiet', '-C', directory], env)


def meson_stage(compiler, arguments):
    def run(stage, options):
        both = not options.quick and all(name in (options.stages or STAGES) for name in ONE_COMPILER)
        left_out = [f'--no-suite={suite}' for suite in (ONE_COMPILER[compiler] if both else [])]
        directory = cache.BUILD / f'host-{compiler}'
        build(stage, directory, arguments, {'CC': compiler})
        results = directory / 'meson-logs' / 'testlog.junit.xml'
        for old in [results, *pytest_results(directory)]:
            old.unlink(missing_ok=True)
        status = PROGRAMS.run(stage, ['meson', 'test', '-C', directory, '--no-rebuild', '--print-errorlogs',
                                      '--timeout-multiplier', MESON_TIMEOUT_FACTOR, *left_out], check=False)
        return in_detail(read_results(results, status), pytest_results(directory))
    return run


def pytest_results(directory):
    return sorted((directory / 'tests' / 'cli').glob('test_*.xml'))


def in_detail(cases, results):
    """With the cases of a pytest file in place of the one that meson has for the file. A file that failed before it had
    cases, or for another reason, stays as the one."""
    for path in results:
        inner = read_junit(path)
        outer = [case for case in cases if case.name.endswith(f' / {path.stem}')]
        if not outer:
            raise Broken(f'meson did not run {path.stem}')
        cases = [case for case in cases if case not in outer or
                 case.verdict == 'failed' and not any(other.verdict == 'failed' for other in inner)] + inner
    return cases


def trees_stage(releases, with_vm):
    def run(stage, _options):
        PROGRAMS.run(stage, [LAB, 'build', *releases, *trees.PAYLOADS])
        if with_vm:
            PROGRAMS.run(stage, [VM, 'build'])
        return []
    return run


def lab_stage(release):
    def run(stage, options):
        lab = f'{release}.run'
        PROGRAMS.run(stage, [LAB, 'up', lab, '--owner', os.getpid()])
        try:
            PROGRAMS.run(stage, [LAB, 'install', lab])
            results = RESULTS / f'{stage.name}.xml'
            selection = ['-m', 'quick'] if options.quick else []
            status = PROGRAMS.run(stage, [LAB, 'test', lab, '--junit', results, '--', *selection, 'system'],
                                  check=False)
            return read_results(results, status)
        finally:
            PROGRAMS.run(stage, [LAB, 'down', lab], check=False)
    return run


# Builds the packages of a copy of the source, $1, with no network and none of root's rights, and has lintian look at them.
BUILD_PACKAGES = '''
set -e
cd "$1/box"
ip link set lo up
export LC_ALL=C.UTF-8 HOME="$1" DEB_BUILD_OPTIONS="parallel=$(nproc)"
exec setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
'''
LINTIAN = 'cd "$1" && exec setpriv --reuid=nobody --regid=nogroup --clear-groups lintian --fail-on error,warning *.changes'


def package_stage(stage, _options):
    directory = cache.BUILD / 'package'
    cache.remove(directory)
    directory.mkdir(parents=True)
    shutil.copytree(SOURCE, directory / 'box', symlinks=True, ignore=shutil.ignore_patterns('.git', 'build', 'build-*', '__pycache__'))
    PROGRAMS.run(stage, ['chown', '-R', 'nobody:nogroup', directory])
    cases = []
    for name, command in (('build', ['unshare', '--net', 'sh', '-c', BUILD_PACKAGES]), ('lintian', ['sh', '-c', LINTIAN])):
        status = PROGRAMS.run(stage, [*command, name, directory], check=False)
        cases.append(Case(name, 'failed' if status else 'passed', f'ended with status {status}'))
        if status and name == 'build':
            return cases
    for release in trees.CODENAMES:
        spec = f'{release}.package'
        lab = host.Lab(spec)
        PROGRAMS.run(stage, [LAB, 'up', spec, '--owner', os.getpid()])
        try:
            shutil.copytree(directory, lab.out / 'packages', ignore=lambda _, names: [n for n in names if not n.endswith('.deb')])
            results = RESULTS / f'package-{release}.xml'
            status = PROGRAMS.run(stage, [LAB, 'test', spec, '--junit', results, '--', 'package'], check=False)
            cases += read_results(results, status)
        finally:
            PROGRAMS.run(stage, [LAB, 'down', spec], check=False)
    return cases


def vm_stage(stage, _options):
    """Two at a time, because one emulated CPU is one thread."""
    def run(scenario):
        results = RESULTS / f'{scenario.stem}.xml'
        status = PROGRAMS.run(stage, [VM, 'run', '--lab', lab, '--junit', results, scenario], check=False)
        return read_results(results, status)
    lab = '12.run'
    PROGRAMS.run(stage, [LAB, 'up', lab, '--owner', os.getpid()])
    try:
        PROGRAMS.run(stage, [LAB, 'install', lab])
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            cases = [case for found in pool.map(run, sorted((TESTS / 'vm').glob('scenario-*.sh'))) for case in found]
    finally:
        PROGRAMS.run(stage, [LAB, 'down', lab], check=False)
    if not cases:
        raise Broken('there is no scenario')
    return cases


def groups(options):
    """The stages, in groups that run one after the other; those of a group run side by side, for two CPUs."""
    if options.quick:
        wanted = ['gcc', f'lab-{QUICK_RELEASE}']
    else:
        wanted = options.stages or STAGES
    releases = [release for release in trees.CODENAMES if f'lab-{release}' in wanted or 'package' in wanted]
    every = [[Stage('gcc', meson_stage('gcc', ['--native-file', 'build-dev.ini'])),
              Stage('clang', meson_stage('clang', ['--buildtype=debug', '-Dwerror=true'])),
              Stage('package', package_stage),
              Stage('trees', trees_stage(releases, 'vm' in wanted))],
             [Stage('lab-12', lab_stage('12')), Stage('lab-13', lab_stage('13'))],
             [Stage('vm', vm_stage)]]
    if releases or 'vm' in wanted:
        wanted = [*wanted, 'trees']
    if options.quick:       # both are short
        every = [every[0][-1:], every[0][:1] + every[1]]
    return [[stage for stage in group if stage.name in wanted] for group in every]


# -------------------------------------------------------------------- results

def read_results(path, status):
    """The cases of a JUnit file. A program that says it failed has failed, even where no case of it did: a leak found
    at exit, or a crash, has no case."""
    cases = read_junit(path)
    if status and not any(case.verdict == 'failed' for case in cases):
        cases.append(Case('(exit status)', 'failed', f'ended with status {status}, though no test failed'))
    return cases


def read_junit(path):
    if not path.exists():
        raise Broken('no results were written')
    cases = []
    for case in ElementTree.parse(path).iter('testcase'):
        name = '.'.join(word for word in (case.get('classname'), case.get('name')) if word)
        problem = next((case.find(tag) for tag in ('failure', 'error') if case.find(tag) is not None), None)
        skipped = case.find('skipped')
        if problem is not None:
            text = problem.get('message') or problem.text or case.findtext('system-out') or ''
            cases.append(Case(name, 'failed', text.strip()))
        elif skipped is not None:
            cases.append(Case(name, 'skipped', skipped.get('message') or 'no reason given'))
        else:
            cases.append(Case(name, 'passed'))
    if not cases:
        raise Broken('no test was run')
    return cases


def expected_skips():
    """The patterns of skips.txt: a line each, PATTERN<TAB>REASON, matched with STAGE/NAME."""
    lines = SKIPS.read_text().splitlines() if SKIPS.exists() else []
    return [line.partition('\t')[0] for line in lines if line.strip() and not line.startswith('#')]


def judge_skips(stage, patterns):
    for case in stage.cases:
        known = any(fnmatch.fnmatchcase(f'{stage.name}/{case.name}', pattern) for pattern in patterns)
        if case.verdict == 'skipped' and not known:
            case.verdict = 'failed'
            case.text = f'skipped, but {SKIPS.name} does not expect it: {case.text}'


def judge_floors(stage, floors):
    for pattern, least in floors.get(stage.name, {}).items():
        count = sum(fnmatch.fnmatchcase(case.name, pattern) for case in stage.cases)
        if count < least:
            stage.cases.append(Case(f'(floor of {pattern})', 'failed', f'{count} cases were run, {least} are the least'))


def run_stage(stage, options):
    started = time.monotonic()
    try:
        stage.cases = stage.function(stage, options)
    except Broken as broken:
        stage.cases = [Case('(the stage itself)', 'failed', str(broken))]
    stage.seconds = time.monotonic() - started
    judge_skips(stage, expected_skips())
    judge_floors(stage, QUICK_FLOORS if options.quick else FLOORS)
    print(f'{stage.name:8}{stage.seconds:7.1f} s{stage.count("passed"):6} passed{stage.count("failed"):5} failed'
          f'{stage.count("skipped"):5} skipped', flush=True)


def report_failures(stages):
    for stage in stages:
        failed = [case for case in stage.cases if case.verdict == 'failed']
        for case in failed:
            print(f'\nFAILED {stage.name}/{case.name}')
            print('\n'.join(f'    {line}' for line in case.text.splitlines()[:30]))
        if failed:
            print(f'\nThe end of {stage.log}:')
            print('\n'.join(f'    {line}' for line in stage.log.read_text(errors='replace').splitlines()[-60:]))


def run_all(options):
    stages = []
    for group in groups(options):
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(group))) as pool:
            try:
                list(pool.map(lambda stage: run_stage(stage, options), group))
            except BaseException:
                PROGRAMS.end()
                raise
        stages += group
    return stages


def parse_arguments():
    parser = argparse.ArgumentParser(prog='tests/run', description='Run the tests of box.',
                                     epilog=f'Stages: {", ".join(STAGES)}. Default: all.')
    parser.add_argument('--quick', action='store_true',
                        help=f"gcc, and the tests marked 'quick' in the Debian {QUICK_RELEASE} lab")
    parser.add_argument('stages', nargs='*', metavar='STAGE', choices=[*STAGES, []])
    return parser.parse_args()


def main():
    options = parse_arguments()
    if os.geteuid() != 0:
        sys.exit('tests/run: must run as root: labs and machines need it')
    cache.die_on_signals()
    with cache.locked('run'):
        shutil.rmtree(RESULTS, ignore_errors=True)
        RESULTS.mkdir(parents=True)
        started = time.monotonic()
        stages = run_all(options)
        report_failures(stages)
    passed, failed, skipped = (sum(stage.count(verdict) for stage in stages)
                               for verdict in ('passed', 'failed', 'skipped'))
    print(f'\n{time.monotonic() - started:.0f} s; logs and results are in {RESULTS}')
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
