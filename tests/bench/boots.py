# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second part of the bench: a whole operating system under its unit, box@NAME beside systemd-nspawn@NAME.

Conditions. One tree, one machine name and one settings file (NotifyReady=yes, which systemd-nspawn needs for its READY=1 to
mean what box's does) for both, in turn; ids are mapped by both, so that neither changes the tree for the other. Each
boots once before it counts: first boots have more to do. Measured are

    ready       `systemctl start` from its spawn to its return: the unit has said READY=1
    unit        the part of it in which the unit was activating, as systemd says; the rest is systemctl's, and that of
                units that this one comes after
    userspace   the boot time that systemd in the machine reports: no machine can be ready earlier
    stop        `systemctl stop` from its spawn to its return
    pss         the supervisor's memory a second after READY=1, its share of what it has in common with others
    private     the part of it that is not shared
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

NAME = 'bench-os'
TREE = Path('/var/lib/machines') / NAME
SETTINGS = Path('/run/systemd/nspawn') / f'{NAME}.nspawn'
UNITS = {'box': f'box@{NAME}.service', 'systemd-nspawn': f'systemd-nspawn@{NAME}.service'}
KINDS = {'ready': 'ms', 'unit': 'ms', 'userspace': 'ms', 'beyond': 'ms', 'stop': 'ms', 'pss': 'KiB', 'private': 'KiB'}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def timed(*command):
    """Milliseconds from the command's spawn to its end."""
    begin = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True)
    milliseconds = (time.monotonic() - begin) * 1e3
    if result.returncode:
        sys.exit(f'bench: {" ".join(command)} failed with status {result.returncode}:\n{result.stderr}')
    return milliseconds


def between(first, last, *words):
    """Milliseconds between two of the time stamps that systemctl shows."""
    names = [f'{name}TimestampMonotonic' for name in (first, last)]
    shown = output('systemctl', 'show', *words, *(f'--property={name}' for name in names))
    stamps = dict(line.split('=') for line in shown.split())
    return (int(stamps[names[1]]) - int(stamps[names[0]])) / 1e3


def memory(unit):
    """PSS and private KiB of the unit's main process."""
    pid = output('systemctl', 'show', '--property=MainPID', '--value', unit).strip()
    sizes = {}
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:]:
        name, value = line.split(':')
        sizes[name] = int(value.split()[0])
    return sizes['Pss'], sizes['Private_Clean'] + sizes['Private_Dirty']


def boot(unit):
    """One life of the machine."""
    figures = {'ready': timed('systemctl', 'start', unit)}
    time.sleep(1)
    figures['unit'] = between('InactiveExit', 'ActiveEnter', unit)
    figures['userspace'] = between('Userspace', 'Finish', f'--machine={NAME}')
    figures['beyond'] = figures['ready'] - figures['userspace']
    figures['pss'], figures['private'] = memory(unit)
    figures['stop'] = timed('systemctl', 'stop', unit)
    subprocess.run(['systemctl', 'reset-failed', unit], capture_output=True)       # its count of starts, too
    return figures


def clean_up():
    for unit in UNITS.values():
        subprocess.run(['systemctl', 'stop', unit], capture_output=True)
    SETTINGS.unlink(missing_ok=True)
    shutil.rmtree(TREE, ignore_errors=True)


@contextlib.contextmanager
def machine(tree):
    """Tree and settings, which are removed at the end, with what runs of them."""
    if TREE.exists() or SETTINGS.exists():
        sys.exit(f'bench: {TREE} or {SETTINGS} exists')
    try:
        subprocess.run(['cp', '-a', '--reflink=auto', f'{tree}/.', TREE], check=True)
        SETTINGS.parent.mkdir(parents=True, exist_ok=True)
        SETTINGS.write_text('[Exec]\nNotifyReady=yes\n')
        yield
    finally:
        clean_up()


def measure(tree, boots):
    with machine(tree):
        figures = {name: {kind: [] for kind in KINDS} for name in UNITS}
        for number in range(-1, boots):
            for name, unit in UNITS.items():
                for kind, value in boot(unit).items():
                    if number >= 0:
                        figures[name][kind].append(value)
        return figures


def report(figures):
    boots = len(figures['box']['ready'])
    print(f'\nA Debian under its unit, {boots} boots each: medians; "beyond" is ready less userspace\n')
    print(f'{"":28}' + ''.join(f'{f"{kind} {unit}":>15}' for kind, unit in KINDS.items()))
    for name, figure in figures.items():
        print(f'{UNITS[name].split("@")[0] + "@":28}'
              + ''.join(f'{statistics.median(figure[kind]):15.0f}' for kind in KINDS))
    print(f'{"box over systemd-nspawn":28}'
          + ''.join(f'{statistics.median(figures["box"][kind]) / statistics.median(figures["systemd-nspawn"][kind]):15.2f}'
                    for kind in KINDS))
    print()
