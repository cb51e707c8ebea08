// SPDX-License-Identifier: GPL-3.0-or-later
// What agents do with a disk all day, by programs of this host on a broker's mount: packages installed by pip and npm, documents made by LibreOffice
// (the minimal guest image has none of the three). Nothing is fetched: what is installed is made on the spot.

#include "process/broker/broker_fixture.h"

namespace {

using namespace broker_test;

bool installed(std::string const& program) { return ::access(("/usr/bin/" + program).c_str(), X_OK) == 0; }

}  // namespace

TEST_CASE_METHOD(BrokerTest, "installs: given npm, when packages are packed and installed on a mount, then they run and go again", "[storage][SB-1]")
{
    if (!installed("npm")) SKIP("npm is not installed");
    CHECK(shell(R"sh(cd outputs; export HOME="$PWD" npm_config_cache="$PWD/cache" npm_config_update_notifier=false
for n in leaf twig; do mkdir $n; printf '{"name":"%s","version":"1.0.0","main":"i.js","bin":{"%s":"i.js"}}' $n $n > $n/package.json
printf '#!/usr/bin/env node\nconsole.log("%s")\n' $n > $n/i.js; npm pack --silent ./$n > /dev/null; done
mkdir app; cd app; npm init -y > /dev/null
npm install --offline --no-audit --no-fund --silent ../leaf-1.0.0.tgz ../twig-1.0.0.tgz
test "$(node_modules/.bin/leaf)$(node_modules/.bin/twig)" = leaftwig
rm -r node_modules; npm ci --offline --no-audit --no-fund --silent; test "$(node_modules/.bin/leaf)" = leaf
npm uninstall --no-audit --no-fund --silent leaf; test ! -e node_modules/leaf; test -e node_modules/twig)sh") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "installs: given pip, when an environment gets a wheel on a mount, then it works and goes again", "[storage][SB-1]")
{
    if (!installed("python3") || shell("/usr/bin/python3 -c 'import ensurepip'") != 0) SKIP("python3-venv is not installed");
    CHECK(shell(R"sh(cd outputs; export HOME="$PWD" TMPDIR="$PWD" PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1; /usr/bin/python3 -m venv v
v/bin/python - <<'MAKE'
import base64, hashlib, zipfile
files = {"leaf/__init__.py": b"def value():\n    return 42\n", "leaf-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: leaf\nVersion: 1.0\n",
         "leaf-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
         "leaf-1.0.dist-info/entry_points.txt": b"[console_scripts]\nleaf = leaf:value\n"}
hashes = [f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(c).digest()).rstrip(b'=').decode()},{len(c)}" for n, c in files.items()]
files["leaf-1.0.dist-info/RECORD"] = ("\n".join(hashes) + "\nleaf-1.0.dist-info/RECORD,,\n").encode()
with zipfile.ZipFile("leaf-1.0-py3-none-any.whl", "w") as out:
    for name, content in files.items():
        out.writestr(name, content)
MAKE
v/bin/pip install -q --no-index ./leaf-1.0-py3-none-any.whl; test "$(v/bin/python -c 'import leaf; print(leaf.value())')" = 42
v/bin/leaf || test $? = 42; v/bin/pip check > /dev/null; v/bin/pip uninstall -q -y leaf; ! v/bin/python -c 'import leaf' 2> /dev/null; rm -r v)sh") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "installs: given LibreOffice, when documents are made and turned into others on a mount, then they are whole", "[storage][SB-1]")
{
    if (!installed("soffice")) SKIP("LibreOffice is not installed (scripts/test --long installs it)");
    CHECK(shell(R"sh(cd outputs; export HOME="$PWD" TMPDIR="$PWD"; printf 'One line of text\n' > a.txt; printf 'a,b\n1,2\n' > t.csv
office() { /usr/bin/soffice -env:UserInstallation=file://"$PWD"/profile --headless --norestore "$@" > said 2>&1 || { cat said >&2; exit 1; }; }
office --convert-to docx a.txt; office --convert-to odt a.docx; office --convert-to pdf a.odt; office --convert-to xlsx t.csv
test "$(head -c 4 a.pdf)" = %PDF; unzip -tq a.docx > /dev/null; unzip -tq t.xlsx > /dev/null
office --convert-to txt:Text a.odt; grep -q 'One line of text' a.txt; test ! -e .~lock.a.odt#)sh") == 0);
    CHECK(broker_lives());
}
