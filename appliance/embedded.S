// SPDX-License-Identifier: GPL-3.0-or-later
// Files that ride inside the program: the guest's agent, as built beside it.
        .section .rodata
        .balign 16
        .globl ocu_guest_begin
        .globl ocu_guest_end
ocu_guest_begin:
        .incbin "ocu-guest"
ocu_guest_end:
        .section .note.GNU-stack, "", @progbits
