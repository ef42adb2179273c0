// Makes a golden data directory: `make_golden_ledger DIRECTORY` (which must not exist). Run once for each
// format, by the program that wrote it; the test that reads it is format_test.cpp.
#include <cstdio>
#include <filesystem>

#include "ledger/rocks_store.hpp"
#include "tests/ledger/golden_ledger.hpp"

int main(int argc, char** argv) {
    if (argc != 2 || std::filesystem::exists(argv[1])) {
        std::fputs("usage: make_golden_ledger DIRECTORY (which must not exist)\n", stderr);
        return 2;
    }
    ledger::RocksStoreOptions options;
    options.directory = argv[1];
    options.disk_free_bytes_min = 0;
    // Twice, so that a part lies in tables and a part in the write-ahead log.
    for (const auto write :
         {&ledger_test::write_golden_ledger_first, &ledger_test::write_golden_ledger_second}) {
        auto store = ledger::RocksStore::open(options);
        if (!store) {
            std::fprintf(stderr, "%s\n", store.error().what.c_str());
            return 1;
        }
        write(**store);
    }
    // What is no part of the ledger's bytes and differs from run to run.
    for (const auto& entry : std::filesystem::directory_iterator(options.directory + "/rocks")) {
        const std::string name = entry.path().filename();
        if (name.starts_with("LOG") || name.starts_with("OPTIONS") || name == "LOCK")
            std::filesystem::remove(entry.path());
    }
    return 0;
}
