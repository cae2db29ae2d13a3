# SPDX-License-Identifier: LGPL-2.1-or-later
"""OCI bundles: what config.json says is found inside, as under runc; what can't be had is refused by its place."""

import json
import subprocess

import pexpect
import pytest

import support
from support import output, run, wait_for

BOX_RUN = '/usr/bin/box-run'
NAME = 'ocibundle'
SHELL = '/bin/sh'


class Bundle:
    """A directory with a busybox tree and a config.json, which `runc spec` has made and a test changes."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        support.copy_tree('busybox', path / 'rootfs')
        run('runc', 'spec', cwd=path)
        self.pristine = json.loads((path / 'config.json').read_text())
        self.reset()

    def reset(self):
        self.config = json.loads(json.dumps(self.pristine))
        self.config['process']['terminal'] = False
        self.config['root']['readonly'] = False

    def set(self, where, value):
        """set('process/user/uid', 7), set('mounts/+', …): a value at its place."""
        *path, last = where.split('/')
        at = self.config
        for word in path:
            at = at[int(word)] if isinstance(at, list) else at.setdefault(word, {})
        if last == '+':
            at.append(value)
        else:
            at[last] = value

    def remove_namespace(self, kind):
        namespaces = self.config['linux']['namespaces']
        namespaces[:] = [each for each in namespaces if each['type'] != kind]

    def write(self, *command):
        if command:
            self.config['process']['args'] = list(command)
        (self.path / 'config.json').write_text(json.dumps(self.config))

    def box(self, *command, switches=(), **options):
        self.write(*command)
        return run(BOX_RUN, '-q', f'--oci-bundle={self.path}', *switches, **options)

    def runc(self, *command):
        self.write(*command)
        return run('runc', 'run', f'--bundle={self.path}', NAME).stdout

    def same(self, script):
        """The output of a script, which must be the same under both."""
        ours = self.box(SHELL, '-c', script).stdout
        assert ours == self.runc(SHELL, '-c', script)
        return ours


@pytest.fixture(scope='module')
def module_bundle():
    path = support.MACHINES / NAME
    yield Bundle(path)
    support.remove_tree(path)


@pytest.fixture
def bundle(module_bundle, nothing_left):
    module_bundle.reset()
    return module_bundle


# -------------------------------------------------------------------- as under runc

def test_container_of_runc_spec(bundle):
    """The container that `runc spec` describes, root and all."""
    bundle.config['root']['readonly'] = True
    seen = bundle.same('id; pwd; hostname; ulimit -n; echo $TERM; tr "\\0" " " </proc/1/cmdline; '
                       'grep -E "^(Cap(Inh|Prm|Eff|Bnd)|NoNewPrivs)" /proc/self/status; touch /etc/x 2>&1; '
                       'echo 1 2>&1 >/proc/sysrq-trigger; '
                       'mkdir /sys/fs/cgroup/x 2>&1; echo 1 2>&1 >/proc/sys/net/ipv4/ip_forward; echo /proc/[0-9]*')
    assert 'uid=0(root)' in seen and 'NoNewPrivs:\t1' in seen and 'CapBnd:\t0000000020000420' in seen
    assert seen.count('Read-only file system') == 3
    assert output('hostname') == 'lab'


def test_user(bundle):
    bundle.set('process/user', {'uid': 1234, 'gid': 56, 'additionalGids': [7, 89], 'umask': 0o27})
    bundle.set('process/cwd', '/tmp')
    bundle.config['process']['env'] += ['ONE=two words', 'QUOTED=a"b\'c\\d', 'LINES=a\nb']
    bundle.set('process/capabilities/inheritable', ['CAP_KILL'])
    seen = bundle.same('id -u; id -g; id -G; umask; pwd; echo "$ONE"; echo "$QUOTED"; echo "$LINES"; '
                       'grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status; touch /root/x 2>&1; kill -0 1 2>&1')
    assert seen.startswith('1234\n56\n56 7 89\n0027\n/tmp\ntwo words\na"b\'c\\d\na\nb\n')
    assert 'CapAmb:\t0000000000000020' in seen and 'CapInh:\t0000000000000020' in seen


def test_inheritable_capabilities_are_those_of_the_bundle(bundle):
    """None, or what it lists: as runc has it since CVE-2022-24769."""
    show = 'grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status'
    bundle.set('process/capabilities', {'bounding': ['CAP_CHOWN', 'CAP_KILL'], 'permitted': ['CAP_CHOWN', 'CAP_KILL'],
                                        'effective': ['CAP_CHOWN', 'CAP_KILL']})
    assert 'CapInh:\t0000000000000000' in bundle.same(show)
    bundle.set('process/capabilities/inheritable', ['CAP_CHOWN'])
    assert 'CapInh:\t0000000000000001' in bundle.same(show)


def test_capabilities_without_no_new_privileges(bundle):
    bundle.set('process/noNewPrivileges', False)
    bundle.set('process/capabilities', {'bounding': ['CAP_CHOWN', 'CAP_SYS_TIME'], 'permitted': ['CAP_CHOWN'],
                                        'effective': [], 'inheritable': []})
    assert 'CapEff:\t0000000002000001' in bundle.same('grep -E "^Cap(Prm|Eff|Bnd)|NoNew" /proc/self/status')
    del bundle.config['process']['capabilities']
    assert 'CapBnd:\t0000000000000000' in bundle.same('grep -E "^Cap(Prm|Eff|Bnd)|NoNew" /proc/self/status')


def test_limits(bundle):
    bundle.set('process/rlimits', [{'type': 'RLIMIT_NOFILE', 'soft': 100, 'hard': 200},
                                   {'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 4096}])
    bundle.set('process/oomScoreAdj', 77)
    assert bundle.same('ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj').split() == ['100', '200', '0', '77']


def test_mounts(bundle):
    data = bundle.path / 'data'
    data.mkdir()
    (data / 'file').write_text('of the host\n')
    (bundle.path / 'beside').mkdir()
    try:
        for mount in ({'destination': '/data', 'source': str(data), 'options': ['rbind', 'ro', 'nosuid', 'nodev', 'noexec']},
                      {'destination': '/beside', 'source': 'beside', 'type': 'bind', 'options': ['bind']},
                      {'destination': '/one', 'source': str(data / 'file'), 'type': 'bind', 'options': ['bind', 'nosuid']},
                      {'destination': '/scratch', 'type': 'tmpfs', 'source': 'tmpfs',
                       'options': ['nosuid', 'noexec', 'size=64k', 'mode=1700']}):
            bundle.set('mounts/+', mount)
        seen = bundle.same('cat /data/file /one; touch /data/x 2>&1; touch /beside/written; '
                           'df -k /scratch | tail -n 1 | tr -s " " | cut -d " " -f 2; '
                           'for m in data beside one; do grep " /$m " /proc/self/mountinfo | cut -d " " -f 6 | '
                           'sed "s/,relatime//; s/,noatime//"; done')
        assert seen.split('\n')[:-1] == ['of the host', 'of the host', 'touch: /data/x: Read-only file system', '64',
                                         'ro,nosuid,nodev,noexec', 'rw', 'rw,nosuid']
        assert (bundle.path / 'beside' / 'written').exists()
        assert bundle.box('stat', '-c', '%a', '/scratch').stdout == '1700\n'
    finally:
        run('rm', '-rf', data, bundle.path / 'beside', *(bundle.path / 'rootfs' / name for name in ('data', 'beside', 'one', 'scratch')))


def test_tmpfs_that_begins_with_files(bundle):
    """podman's tmpcopyup: what the tree has at the place, and nothing of it is written to the tree."""
    full = bundle.path / 'rootfs/full'
    full.mkdir(mode=0o1777)
    full.chmod(0o1777)
    (full / 'file').write_text('of the tree\n')
    try:
        for dest, copy in ('/full', 'tmpcopyup'), ('/missing', 'tmpcopyup'), ('/plain', 'notmpcopyup'):
            bundle.set('mounts/+', {'destination': dest, 'type': 'tmpfs', 'source': 'tmpfs',
                                    'options': ['rw', 'rprivate', 'nosuid', 'nodev', 'size=64k', copy]})
        seen = bundle.box(SHELL, '-c', 'cat /full/file; echo new >/full/file; touch /full/x /missing/x /plain/x; ls /full /missing; '
                          'stat -c %a /full; for m in full missing; do grep -c " /$m .*nosuid,nodev" /proc/self/mountinfo; done; '
                          'head -c 200k /dev/zero 2>/dev/null >/full/big || echo limited').stdout.split('\n')
        assert seen[:-1] == ['of the tree', '/full:', 'file', 'x', '', '/missing:', 'x', '1777', '2', '1', 'limited']
        assert (full / 'file').read_text() == 'of the tree\n' and not (full / 'x').exists()
    finally:
        run('rm', '-rf', *(bundle.path / 'rootfs' / name for name in ('full', 'missing', 'plain')))


@pytest.mark.parametrize('without', [('process',), ('linux',), ('process', 'linux')])
def test_command_that_was_given(bundle, without):
    for name in without:
        del bundle.config[name]
    (bundle.path / 'config.json').write_text(json.dumps(bundle.config))
    result = run(BOX_RUN, '-q', '--pipe', f'--oci-bundle={bundle.path}', SHELL, '-c', 'echo $$; hostname; exit 3', check=False)
    assert (result.stdout, result.returncode) == ('1\nrunc\n', 3), result.stderr


def test_covered_paths(bundle):
    bundle.config['linux']['maskedPaths'] += ['/etc/passwd', '/usr/share', '/nothing/there']
    bundle.config['linux']['readonlyPaths'] += ['/var', '/nothing/there']
    seen = bundle.same('cat /etc/passwd 2>/dev/null | wc -c; ls /usr/share 2>/dev/null | wc -l; touch /var/x 2>&1; touch /etc/y && rm /etc/y')
    assert seen.split('\n')[:-1] == ['0', '0', 'touch: /var/x: Read-only file system']


@pytest.mark.parametrize('target', ['leak', '/etc/passwd/leak'])
def test_covered_path_that_leads_nowhere_for_us(bundle, target):
    """Only one that is not there is left uncovered: another may lead somewhere for the machine's processes."""
    (bundle.path / 'rootfs/leak').symlink_to(target)
    try:
        bundle.config['linux']['maskedPaths'] += ['/leak']
        result = bundle.box('/bin/echo', 'it ran', check=False)
        assert (result.returncode, result.stdout) == (1, '') and "'/leak'" in result.stderr
    finally:
        (bundle.path / 'rootfs/leak').unlink()


def test_devices(bundle):
    bundle.set('linux/devices', [{'path': '/dev/deep/my-null', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o646, 'uid': 5,
                                  'gid': 6}, {'path': '/dev/pipe', 'type': 'p', 'fileMode': 0o600}])
    bundle.set('linux/resources/devices/+', {'allow': True, 'type': 'c', 'major': 1, 'minor': 3, 'access': 'rwm'})
    assert bundle.same('stat -c "%F %a %u %g %t:%T" /dev/deep/my-null; stat -c "%F %a" /dev/pipe; '
                       'echo x >/dev/deep/my-null && echo good').split('\n')[:-1] == [
        'character special file 646 5 6 1:3', 'fifo 600', 'good']


def test_sysctls(bundle):
    bundle.set('linux/sysctl', {'net.ipv4.ip_forward': '1', 'kernel.shmmni': '1234', 'net/ipv4/ping_group_range': '5 10'})
    bundle.set('domainname', 'of.the.machine')
    assert bundle.box(SHELL, '-c', 'cd /proc/sys; cat net/ipv4/ip_forward kernel/shmmni net/ipv4/ping_group_range '
                                   'kernel/domainname').stdout == '1\n1234\n5\t10\nof.the.machine\n'
    assert output('cat', '/proc/sys/kernel/domainname') != 'of.the.machine'
    bundle.set('linux/sysctl', {'kernel.panic': '1'})
    refused(bundle, "/linux/sysctl/kernel.panic: sysctl 'kernel.panic' applies to the whole host")


def test_seccomp(bundle):
    """By name, with an errno of its own, and by an argument."""
    bundle.set('linux/seccomp', {
        'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'], 'syscalls': [
            {'names': ['mkdir', 'mkdirat', 'no_such_call'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38},
            {'names': ['kill'], 'action': 'SCMP_ACT_ERRNO',
             'args': [{'index': 1, 'value': 10, 'op': 'SCMP_CMP_EQ'}]}]})
    seen = bundle.same('mkdir /tmp/x 2>&1; kill -USR1 $$ 2>&1 || echo refused; kill -0 $$ && echo good; '
                       'grep Seccomp: /proc/self/status')
    assert 'Function not implemented' in seen and 'refused' in seen and seen.endswith('good\nSeccomp:\t2\n')
    bundle.set('linux/seccomp/defaultAction', 'SCMP_ACT_NOTIFY')
    refused(bundle, "/linux/seccomp/defaultAction: action 'SCMP_ACT_NOTIFY' is not supported")


def test_exit_status(bundle):
    assert bundle.box(SHELL, '-c', 'exit 7', check=False).returncode == 7


# -------------------------------------------------------------------- namespaces

def namespaces_of(text):
    return dict(line.split(':', 1) for line in text.split())


def test_namespaces_that_are_not_asked_for(bundle):
    """Are the host's: all but the mount namespace can be."""
    links = 'for n in mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
    host = namespaces_of(output(SHELL, '-c', links))
    mine = namespaces_of(bundle.box(SHELL, '-c', links).stdout)
    assert not set(mine.items()) & set(host.items())
    for kind in 'pid', 'network', 'ipc', 'uts', 'cgroup':
        bundle.remove_namespace(kind)
    del bundle.config['hostname']
    mine = namespaces_of(bundle.box(SHELL, '-c', links).stdout)
    assert {kind for kind in mine if mine[kind] != host[kind]} == {'mnt'}
    bundle.remove_namespace('mount')
    refused(bundle, '/linux/namespaces: asks for no namespace of type "mount": a machine always has one')


def test_network_namespace_by_path(bundle):
    run('ip', 'netns', 'add', 'oci-net')
    try:
        run('ip', 'netns', 'exec', 'oci-net', 'ip', 'link', 'set', 'lo', 'name', 'lo-of-test', check=False)
        bundle.remove_namespace('network')
        bundle.set('linux/namespaces/+', {'type': 'network', 'path': '/run/netns/oci-net'})
        inode = output('stat', '-L', '-c', '%i', '/run/netns/oci-net')
        assert bundle.box('readlink', '/proc/self/ns/net').stdout == f'net:[{inode}]\n'
    finally:
        run('ip', 'netns', 'delete', 'oci-net')


def test_user_namespace(bundle):
    """Owners on disk do not change: the tree is id-mapped."""
    bundle.set('linux/namespaces/+', {'type': 'user'})
    mappings = [{'containerID': 0, 'hostID': 300000, 'size': 1000}, {'containerID': 1000, 'hostID': 400000, 'size': 1}]
    bundle.set('linux/uidMappings', mappings)
    bundle.set('linux/gidMappings', mappings)
    bundle.set('process/user', {'uid': 1000, 'gid': 1000})
    before = support.owners(bundle.path / 'rootfs')
    seen = bundle.box(SHELL, '-c', 'tr -s " " </proc/self/uid_map; id -u; stat -c %u /etc').stdout
    assert seen.split('\n') == [' 0 300000 1000', ' 1000 400000 1', '1000', '0', '']
    assert support.owners(bundle.path / 'rootfs') == before
    bundle.set('linux/gidMappings', mappings[:1])
    refused(bundle, '/linux/gidMappings: uidMappings and gidMappings have to be equal')


# -------------------------------------------------------------------- on the host

def test_resources(bundle):
    bundle.set('linux/resources', {'memory': {'limit': 104857600}, 'pids': {'limit': 77}, 'cpu': {'quota': 25000, 'period': 100000},
                                   'devices': [{'allow': False, 'access': 'rwm'}]})
    bundle.write(SHELL, '-c', 'read x')
    unit = f'machine-{NAME}.scope'
    with subprocess.Popen([BOX_RUN, '-q', f'--oci-bundle={bundle.path}'], stdin=subprocess.PIPE) as process:
        wait_for(lambda: output('systemctl', 'show', '--value', '--property=TasksMax', unit) == '77')
        assert output('systemctl', 'show', '--value', '--property=MemoryMax', unit) == '104857600'
        assert output('systemctl', 'show', '--value', '--property=CPUQuotaPerSecUSec', unit) == '250ms'
        assert output('systemctl', 'show', '--value', '--property=DevicePolicy', unit) == 'closed'
        process.communicate(b'\n', timeout=60)
        assert process.returncode == 0


def test_terminal(bundle, terminal):
    bundle.set('process/terminal', True)
    bundle.write(SHELL, '-c', 'test -t 0 && stty size')
    child = terminal(BOX_RUN, '-q', f'--oci-bundle={bundle.path}')
    child.expect('40 132')
    child.expect(pexpect.EOF)
    child.wait()


def test_console_size_without_a_terminal(bundle):
    bundle.set('process/terminal', True)
    bundle.set('process/consoleSize', {'height': 33, 'width': 111})
    assert '33 111' in bundle.box('stty', 'size').stdout


def test_no_file_is_read(bundle, nspawn_file):
    nspawn_file(NAME, '[Exec]\nHostname=from-the-file\n')
    assert bundle.box('hostname').stdout == 'runc\n'
    assert bundle.box('hostname', switches=['--hostname=from-a-switch']).stdout == 'from-a-switch\n'


def test_plan_tells_places(bundle):
    bundle.set('mounts/+', {'destination': '/d', 'source': '/var', 'options': ['bind']})
    bundle.write()
    plan = run(BOX_RUN, '--dry-run', f'--oci-bundle={bundle.path}').stdout
    assert f'/var -> /d [{bundle.path}/config.json: /mounts/{len(bundle.config["mounts"]) - 1}]\n' in plan
    told = json.loads(run(BOX_RUN, '--json', '--dry-run', f'--oci-bundle={bundle.path}').stdout)
    assert told['plan']['root'] == f'{bundle.path}/rootfs'


def test_tree_of_one_program(bundle):
    """Which has no /usr, as images of a single program do."""
    run('mkdir', '-p', bundle.path / 'tiny')
    try:
        run('cp', '/usr/bin/busybox', bundle.path / 'tiny')
        bundle.set('root/path', 'tiny')
        assert bundle.box('/busybox', 'echo', 'alone').stdout == 'alone\n'
    finally:
        run('rm', '-rf', bundle.path / 'tiny')


# -------------------------------------------------------------------- refusals

def refused(bundle, words, *switches):
    result = bundle.box(check=False, switches=switches)
    assert (result.stderr, result.returncode) == (f'box-run: {bundle.path}/config.json: {words}\n', 1)


def test_hooks_are_reported_and_not_run(bundle, tmp_path):
    bundle.set('hooks', {'prestart': [{'path': '/usr/bin/touch', 'args': ['touch', str(tmp_path / 'ran')]}]})
    result = bundle.box('/bin/true')
    assert result.stderr == f'box-run: {bundle.path}/config.json: /hooks: hooks are never run\n'
    assert not (tmp_path / 'ran').exists()


def test_all_problems_are_reported_at_once(bundle):
    bundle.set('process/env', ['NO-NAME=x', 7])
    bundle.set('linux/rootfsPropagation', 'shared')
    bundle.write()
    lines = run(BOX_RUN, '--check', f'--oci-bundle={bundle.path}', check=False).stderr.splitlines()
    assert len(lines) == 3 and all(f'{bundle.path}/config.json: /' in line for line in lines)


def test_invalid_bundle(bundle, tmp_path):
    def message(path, *switches):
        result = run(BOX_RUN, f'--oci-bundle={path}', *switches, check=False)
        assert result.returncode == 1 and all(line.startswith('box-run: ') for line in result.stderr.splitlines())
        return result.stderr.removeprefix('box-run: ').rstrip('\n')

    config = tmp_path / 'config.json'
    assert message('/nowhere') == 'Failed to open the tree /nowhere: No such file or directory'
    assert message(tmp_path) == f"Failed to open '{config}': No such file or directory"
    config.mkdir()
    assert message(tmp_path) == f"Failed to read '{config}': it is not a regular file"
    config.rmdir()
    for text in '', '{', '[]', 'null', '{"ociVersion": "2.0"}', '\0' * 100, '[' * 5000, '{"a":' * 5000:
        config.write_text(text)
        assert message(tmp_path).startswith(f'{config}')
    config.write_text(' ' * (5 << 20))
    assert message(tmp_path) == f"Failed to read '{config}': it is larger than 4 MiB"
    assert message(tmp_path, '-D', '/trees/busybox') == '--directory= and --oci-bundle= exclude each other'
    assert message(tmp_path, '-i', '/x.raw') == '--image= and --oci-bundle= exclude each other'
