#include "switch/production.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

namespace acquirer {

namespace {

std::optional<struct stat> status_of(const std::string& path) {
    struct stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) return std::nullopt;
    return status;
}

std::string mode_text(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
    return text.data();
}

constexpr mode_t anybody = S_IRWXO;
constexpr mode_t others_and_writing_group = S_IRWXO | S_IWGRP;
constexpr mode_t not_the_owner = S_IRWXG | S_IRWXO;

class Judge {
  public:
    /// What is not there yet cannot be open to others.
    void not_for(mode_t forbidden, const std::string& path, const std::string& what) {
        const auto status = status_of(path);
        if (status && (status->st_mode & forbidden) != 0)
            faults_.push_back(what + " " + path + " has mode " + mode_text(status->st_mode) +
                              ": others than its owner may use it");
    }
    /// `second` is to survive what befalls the disk of `first`.
    void apart(const std::string& first, const std::string& second, const std::string& what) {
        const auto there = status_of(std::filesystem::path(second).parent_path().string());
        auto here = status_of(first);
        if (!here) here = status_of(std::filesystem::absolute(first).parent_path().string());
        if (second.empty() || !there || !here) return;
        if (there->st_dev == here->st_dev)
            faults_.push_back(what + " " + second + " is on the file system of " + first +
                              ": both are lost together");
    }
    void add(std::string fault) { faults_.push_back(std::move(fault)); }
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const std::string& fault : faults_) all += (all.empty() ? "" : "; ") + fault;
        return all;
    }

  private:
    std::vector<std::string> faults_;
};

}  // namespace

std::string why_unfit_for_production(const LoadedConfig& config, const ProductionPaths& paths) {
    Judge judge;
    if (::geteuid() == 0 && !paths.allow_root)
        judge.add("it runs as root: give it a user of its own, or say --allow-root");
    judge.not_for(others_and_writing_group, paths.config, "the configuration");
    judge.not_for(not_the_owner, paths.data, "the data directory");
    judge.not_for(not_the_owner, paths.lmk_key_file, "the key file");
    judge.not_for(not_the_owner, paths.vault_key_file, "the key file");
    judge.not_for(not_the_owner, config.store.password_file, "the password file");
    if (config.hsm.embedded) judge.not_for(not_the_owner, config.hsm.lmk, "the LMK");
    for (const TlsProfile& tls : config.tls) judge.not_for(anybody, tls.key, "the key of a certificate");
    judge.apart(paths.data, config.store.acknowledged_copy, "the second place of what was acknowledged");
    judge.apart(paths.data, config.audit.head_file, "the noted head of the audit chain");
    return judge.text();
}

}  // namespace acquirer
