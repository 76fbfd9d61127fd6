// node run.mjs MOUNTED SCRIPT
//
// Runs the Python in SCRIPT by the CPython of pyodide. MOUNTED is a JSON list of directories, which
// Python finds where they are.
import { loadPyodide } from "pyodide";

const [mounted, script] = process.argv.slice(2);
const python = await loadPyodide();
for (const root of JSON.parse(mounted)) {
  python.FS.mkdirTree(root);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, root);
}
try {
  python.runPython(script);
} catch (error) {
  console.error(error.message); // Node.js would print all of pyodide before it
  process.exitCode = 1;
}
