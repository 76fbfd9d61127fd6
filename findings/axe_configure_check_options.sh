#!/bin/sh
# axe-core 4.14.1: axe.configure({checks: [{id, options}]}) puts these options in place of all that
# the check has, so that setting one of color-contrast (here ignoreLength, which has it judge single
# characters, too) takes the ratios themselves away. A pale paragraph, a violation before, is then
# "incomplete", and a heading that passed is in no list at all. A test that asks for no violations
# passes. What helps: give all options of the check again.
#
# Seen with axe-core 4.14.1 on Node.js 20 and Chromium 156.0.8078.108 (Debian 12's package, which is
# the one thing that is not installed here):
SEEN='options before: boldTextPt boldValue contrastRatio ignoreLength ignorePseudo ignoreUnicode largeTextPt pseudoSizeThreshold shadowOutlineEmMax textStrokeEmMin
options after: ignoreLength
as it is: 1 violations, 0 incomplete, 1 passes
with one option: 0 violations, 1 incomplete, 0 passes
with all options: 1 violations, 0 incomplete, 1 passes'
set -eu
chromium=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" axe-core@4.14.1
cat > "$folder/options.js" <<'EOF'
const axe = require("axe-core");
const named = () => Object.keys(axe._audit.checks["color-contrast"].options).sort().join(" ");
console.log(`options before: ${named()}`);
axe.configure({ checks: [{ id: "color-contrast", options: { ignoreLength: true } }] });
console.log(`options after: ${named()}`);
EOF
cat > "$folder/page.js" <<'EOF'
const fs = require("fs");
const [, , name, configure] = process.argv;
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
fs.writeFileSync(
  `${__dirname}/${name}.html`,
  `<!doctype html><html lang="en"><title>t</title><main><h1>Heading</h1>
<p style="color: #bbb; background: #fff">A pale paragraph</p></main>
<script>${axe}</script><script>
${configure}
axe.run({ runOnly: ["color-contrast"] }).then((found) => {
  const [violations, incomplete, passes] = ["violations", "incomplete", "passes"].map((list) =>
    found[list].reduce((sum, rule) => sum + rule.nodes.length, 0));
  document.body.textContent =
    "FOUND " + violations + " violations, " + incomplete + " incomplete, " + passes + " passes";
});
</script></html>`,
);
EOF
judge() {
    node "$folder/page.js" page "$2"
    judged=$("$chromium" --headless --no-sandbox --disable-gpu --virtual-time-budget=20000 \
        --dump-dom "file://$folder/page.html" 2>/dev/null | sed -n 's/.*FOUND \([^<]*\).*/\1/p')
    echo "$1: $judged"
}
configured() {
    echo "axe.configure({ checks: [{ id: 'color-contrast', options: $1 }] });"
}
found=$(
    node "$folder/options.js"
    judge "as it is" ""
    judge "with one option" "$(configured '{ ignoreLength: true }')"
    judge "with all options" "$(configured \
        '{ ...axe._audit.checks["color-contrast"].options, ignoreLength: true }')"
)
echo "$found"
[ "$found" = "$SEEN" ]
