module.exports = async () => {
  globalThis.mintgateTemplate?.remove();
  await globalThis.mintgateMariadb?.remove();
};
