// Plotly draws a chart before its element is in the page, at a width of its own choice.
export default {
  render({ el }) {
    const observer = new ResizeObserver(() => window.dispatchEvent(new Event("resize")));
    observer.observe(el);
    return () => observer.disconnect();
  },
};
