// What the `iso8583` command does, apart from reading its arguments: each returns an exit code and writes
// results to `out`, sentences about what went wrong to `err`.
#pragma once

#include <iosfwd>
#include <string>

namespace iso8583::tools {

inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;
inline constexpr int exit_usage = 2;

struct MessageOptions {
    std::string dialect;      // name or file
    std::string input = "-";  // hex, or "-" for standard input
    std::string other;        // diff: the second message
    bool json = false;
    bool hex = false;      // the input is hex, as it is without this
    bool raw = false;      // standard input is bytes, not hex; encode: print bytes
    bool framed = false;   // a frame stands around the body: the dialect's, or the one of `frame`
    std::string frame;     // "ascii4,inclusive,tpdu,header=6,trailer=1"; implies framed
    bool partial = false;  // show what decoded before an error
    bool bytes = false;    // say of every byte what it is
    bool reveal = false;
    bool strict = false;  // content outside its class is an error, as in the switch
};

int run_describe(const MessageOptions& options, std::istream& in, std::ostream& out, std::ostream& err);
int run_encode(const MessageOptions& options, std::istream& in, std::ostream& out, std::ostream& err);
int run_diff(const MessageOptions& options, std::istream& in, std::ostream& out, std::ostream& err);
int run_check_spec(const std::string& file, bool json, std::ostream& out, std::ostream& err);
/// To standard output, or into `output` when it is not empty.
int run_convert_spec(const std::string& file, const std::string& to, const std::string& output,
                     std::ostream& out, std::ostream& err);
int run_dialects(bool json, std::ostream& out);
/// Which classes, types and encodings of the other formats are read, as what, and why the others are not.
int run_classes(std::ostream& out);

}  // namespace iso8583::tools
