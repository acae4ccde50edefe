
export default ({ data, parentElement, setTriggerValue }) => {
  let gone = false, end = () => {};
  import(new URL(data.bundle, document.baseURI)).then(
    ({ mount }) => { if (!gone) end = mount({ data, parentElement, follow, command: setTriggerValue }); },
    () => { parentElement.querySelector("#missing").hidden = false; },
  );
  return () => { gone = true; end(); };
};
