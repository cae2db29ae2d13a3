# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fault of the emulator, and the code that meets it.

QEMU 7.2 (that of Debian 12) loses the processor's flags where `setg`, `setle`, `setl` or `setge` stores the result of a
comparison with 0 and the store causes a page fault: a jump that uses the flags of the same comparison again may then go the
wrong way. On a processor that cannot happen. GCC makes this of C code such as

        done = r > 0;           test, setg (memory)
        if (r < 0)              js

faulting_stores() finds it in a program, so that a scenario is not run with one that fails now and then.
"""

import re
import subprocess

# What is found, and what is not: the flags of a later instruction, a result in a register, a comparison with another number.
SAMPLE = '''
0000000000001000 <lost>:
    1000:  test   %eax,%eax
    1002:  setg   0x2f60(%rbx)
    1009:  jns    1030 <lost+0x30>
0000000000002000 <kept>:
    2000:  test   %eax,%eax
    2002:  setg   0x2f60(%rbx)
    2009:  test   %edx,%edx
    200b:  jns    2030 <kept+0x30>
    2010:  test   %eax,%eax
    2012:  setg   %cl
    2015:  js     2030 <kept+0x30>
    2020:  cmp    $0x3,%eax
    2023:  setg   0x2f60(%rbx)
    202a:  js     2030 <kept+0x30>
'''
FUNCTION = re.compile(r'[0-9a-f]+ <(?P<name>.*)>:')
INSTRUCTION = re.compile(r'\s+[0-9a-f]+:\s+(?P<op>\S+)\s*(?P<operands>.*)')
COMPARES_WITH_0 = re.compile(r'(test|and|or|xor)[bwlq]?$')
STORES_SIGN = re.compile(r'setn?[gl]e?$')
USES_FLAGS = re.compile(r'(j(?!mp)|cmov|set|adc|sbb|rcl|rcr|pushf)')
KEEPS_FLAGS = re.compile(r'(mov|lea|push|pop|nop|not|set|cmov|j|xchg|bswap|cltq|cwtl|cltd|cqto)')
LEAVES = re.compile(r'(call|ret|jmp)')


def faulting_stores(program):
    """The functions of a program with such a store, which are to be written in another way."""
    assert find(SAMPLE.splitlines()) == ['lost']
    listing = subprocess.run(['objdump', '--disassemble', '--no-show-raw-insn', program],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    return find(listing.splitlines())


def find(listing):
    functions = []
    function, of_test, stored = '', False, False
    for line in listing:
        if match := FUNCTION.match(line):
            function, of_test, stored = match['name'], False, False
        elif match := INSTRUCTION.match(line):
            op = match['op']
            if stored and USES_FLAGS.match(op):
                functions.append(function)
                stored = False
            if of_test and STORES_SIGN.match(op) and '(' in match['operands']:
                stored = True
            if LEAVES.match(op) or not KEEPS_FLAGS.match(op):
                of_test, stored = bool(COMPARES_WITH_0.match(op)), False
    return functions
