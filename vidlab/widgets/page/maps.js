// Maps of filters: in colours of their own, or as the shadow that lies on a frame.

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];
const SHADOW = 0.55; // how dark a frame is where a filter is silent

function viridis(share) {
  const at = share * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return mixed(VIRIDIS[below], VIRIDIS[below + 1], at - below);
}

// Gives a canvas with a pixel for each cell of a map.
function paintedMap(map, asShadow) {
  const [rows, across] = map.size;
  const canvas = make("canvas", { width: across, height: rows });
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(across, rows);
  bytes(map.cells).forEach((value, cell) => {
    const colour = asShadow ? [0, 0, 0] : viridis(value / 255);
    drawn.data.set([...colour, asShadow ? SHADOW * (255 - value) : 255], 4 * cell);
  });
  context.putImageData(drawn, 0, 0);
  return canvas;
}

// A number to read: two digits, a true minus, no minus zero.
function toTwo(value) {
  return value.toFixed(2).replace(/^-(0\.00)$/, "$1").replace("-", "−");
}
