// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One question to a secret source, from a connected stream to what custody is told (docs/formats/secret-source.md): TLS with a key that is
// elsewhere, if it is an endpoint; HTTP; the answer. In a process of its own (docs/decisions/0019-secret-source.md).
// Threading: the loop's thread.

#include <functional>
#include <memory>

#include "base/unique_fd.h"
#include "custody/source_face.h"
#include "wire/link.h"
#include "wire/tls_stream.h"

namespace ocu::custody {

class SourceTask {
public:
    // Begins when custody's first word is there. `ended`: once, when custody has closed the channel, or broken its grammar; it may destroy this.
    SourceTask(wire::Loop& loop, proto::SourceConfig config, UniqueFd stream, UniqueFd channel, std::function<void()> ended);
    ~SourceTask();
    SourceTask(SourceTask const&) = delete;
    SourceTask& operator=(SourceTask const&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;  // shared, weakly, with what is pending on the stream
};

}  // namespace ocu::custody
