// SPDX-License-Identifier: GPL-3.0-or-later
// The preview page, as scripts/web bundled it.
        .section .rodata
        .balign 16
        .globl ocu_page_begin
        .globl ocu_page_end
ocu_page_begin:
        .incbin "page.pack"
ocu_page_end:
        .section .note.GNU-stack, "", @progbits
