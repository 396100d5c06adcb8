#include "deepbind.h"

#include "log.h"
#include "real.h"
#include "setup.h"

#include <errno.h>

/* Written with the same value by whoever comes first. */
void *deepbind_next;

/* glibc's <bits/dlfcn.h>; the assembly below has it as well. */
enum { DEEPBIND = 8 };

int deepbind_choose_flags(int flags) {
    const int kept_errno = errno;
    if (!__atomic_load_n(&deepbind_next, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&deepbind_next, real_find_dlopen(), __ATOMIC_RELEASE);
    }
    if ((flags & DEEPBIND) && setup_clears_deepbind()) {
        log_write(CONFIG_LOG_DEBUG, "a module is loaded without RTLD_DEEPBIND");
        flags &= ~DEEPBIND;
    }
    errno = kept_errno;
    return flags;
}

/* A call without the flag costs a test and a jump. The first call, and each with the flag, asks
 * deepbind_choose_flags. */
#if defined(__x86_64__)
__asm__(".text\n"
        ".p2align 4\n"
        ".globl dlopen\n"
        ".type dlopen, @function\n"
        "dlopen:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    testb $8, %sil\n"
        "    jne 1f\n"
        "    movq deepbind_next(%rip), %rax\n"
        "    testq %rax, %rax\n"
        "    je 1f\n"
        "    jmp *%rax\n"
        "1:  pushq %rdi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    movl %esi, %edi\n"
        "    call deepbind_choose_flags\n"
        "    movl %eax, %esi\n"
        "    popq %rdi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    jmp *deepbind_next(%rip)\n"
        "    .cfi_endproc\n"
        ".size dlopen, . - dlopen\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".p2align 4\n"
        ".globl dlopen\n"
        ".type dlopen, %function\n"
        "dlopen:\n"
        "    .cfi_startproc\n"
        "    hint #34\n" /* bti c */
        "    tbnz w1, #3, 1f\n"
        "    adrp x16, deepbind_next\n"
        "    ldr x16, [x16, :lo12:deepbind_next]\n"
        "    cbz x16, 1f\n"
        "    br x16\n"
        "1:  stp x29, x30, [sp, #-32]!\n"
        "    .cfi_adjust_cfa_offset 32\n"
        "    .cfi_rel_offset x29, 0\n"
        "    .cfi_rel_offset x30, 8\n"
        "    str x0, [sp, #16]\n"
        "    mov w0, w1\n"
        "    bl deepbind_choose_flags\n"
        "    mov w1, w0\n"
        "    ldr x0, [sp, #16]\n"
        "    ldp x29, x30, [sp], #32\n"
        "    .cfi_adjust_cfa_offset -32\n"
        "    .cfi_restore x29\n"
        "    .cfi_restore x30\n"
        "    adrp x16, deepbind_next\n"
        "    ldr x16, [x16, :lo12:deepbind_next]\n"
        "    br x16\n"
        "    .cfi_endproc\n"
        ".size dlopen, . - dlopen\n");
#endif
