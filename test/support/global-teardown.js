module.exports = async () => {
  await globalThis.mintgateMariadb?.remove();
};
