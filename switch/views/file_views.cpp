#include "switch/views/file_views.hpp"

#include "ledger/file_books.hpp"

namespace acquirer {

ViewResult view_file(const ViewContext& context, std::string_view digest) {
    auto stored = context.store.get(ledger::Family::index, ledger::file_key(digest));
    if (!stored) return store_fault(stored.error());
    ledger::FileRecord file;
    if (*stored) {
        auto decoded = ledger::decode_file(**stored);
        if (!decoded) return iso8583::parse_error("the ledger's " + decoded.error().what);
        file = std::move(*decoded);
    }
    View view = View::object();
    view.put("file", digest).put("bytes", file.bytes).put("pieces", file.pieces).put("sealed", file.sealed);
    return view;
}

}  // namespace acquirer
