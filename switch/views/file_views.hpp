// How much of a file that is handed over in pieces is here (ledger/file_books.hpp). As operator_views.hpp.
#pragma once

#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Of a file that nobody has begun to hand over: 0 pieces.
ViewResult view_file(const ViewContext& context, std::string_view digest);

}  // namespace acquirer
