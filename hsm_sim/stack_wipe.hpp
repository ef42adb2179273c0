// What a call that had a clear PIN leaves below its frame: return values, spilled registers, locals of the
// cipher library. Buffers wipe themselves; copies that the compiler made have no name, so the place where
// they were is wiped. tests/hsm_sim/hsm_memory_test.cpp looks for PINs on a stack of its own after every such
// call.
//
// Thread: any; only the caller's own stack is touched. Cost: about a tenth of a microsecond.
#pragma once

#include <cstddef>
#include <utility>

namespace hsm {

/// Deeper than any call between a clear PIN and the ciphers goes; the test measures it.
inline constexpr std::size_t stack_wiped_bytes = std::size_t{8} * 1024;

/// Wipes that much below the caller's frame.
void wipe_stack_below();

template <typename Function>
[[gnu::noinline]] auto called_apart(Function& function) {
    return function();
}

/// Calls it in frames of its own and wipes them when it is over, whichever way. The answer must hold nothing
/// in clear.
template <typename Function>
[[gnu::noinline]] auto without_traces(Function function) {
    struct Wiper {
        Wiper() = default;
        Wiper(const Wiper&) = delete;
        Wiper& operator=(const Wiper&) = delete;
        ~Wiper() { wipe_stack_below(); }
    };
    const Wiper wiper;
    return called_apart(function);
}

}  // namespace hsm
